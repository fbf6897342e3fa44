// Types that several files use.

@export()
@description('Tags of every resource.')
type tags = {
  @description('Value of the tag.')
  *: string
}

@export()
@description('watch: the identity may read role assignments. act: it may also write and delete them.')
type tier = 'watch' | 'act'

@export()
@description('Somebody who gets e-mails.')
type email = {
  @description('What the receiver is called.')
  name: string

  @description('E-mail address.')
  address: string
}

@export()
@description('Somebody who is reached by telephone.')
type phone = {
  @description('What the receiver is called.')
  name: string

  @description('Without the plus sign: 31.')
  countryCode: string

  @description('Without the country code.')
  number: string
}

@export()
@description('The Event Grid system topic of a watched subscription, where it is.')
type topicPlace = {
  @description('Id of the subscription that it is the topic of, and in which it lies.')
  subscriptionId: string

  @description('Its resource group.')
  group: string

  @description('Its name.')
  name: string
}
